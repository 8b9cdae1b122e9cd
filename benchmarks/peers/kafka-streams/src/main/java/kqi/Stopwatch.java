package kqi;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/** Times the work from the first event to the last, and from the middle on, when the compiler has done its part. */
final class Stopwatch {

    private final OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final CountDownLatch end = new CountDownLatch(1);
    private final long events;
    private final long middle;
    private long seen;
    private long beganNs;
    private long middleNs;
    private long endNs;
    private long cpuBeganNs;
    private long cpuNs;

    Stopwatch(long events) {
        this.events = events;
        this.middle = events / 2;
    }

    /** Takes note of one event; the one stream thread calls this. */
    void note() {
        if (seen == 0) {
            beganNs = System.nanoTime();
            cpuBeganNs = system.getProcessCpuTime();
        }
        seen++;
        if (seen == middle) {
            middleNs = System.nanoTime();
        } else if (seen == events) {
            endNs = System.nanoTime();
            cpuNs = system.getProcessCpuTime() - cpuBeganNs;
            end.countDown();
        }
    }

    void await() throws InterruptedException {
        end.await();
    }

    String report() {
        return String.format(
            Locale.ROOT,
            "{\"events\": %d, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"second_half_events\": %d,"
                + " \"second_half_seconds\": %.6f}",
            seen, (endNs - beganNs) / 1e9, cpuNs / 1e9, events - middle, (endNs - middleNs) / 1e9);
    }
}
