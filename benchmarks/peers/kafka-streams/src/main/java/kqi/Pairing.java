package kqi;

import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Presses of a panel become surveys, surveys are counted by employee, outcome and day. */
final class Pairing implements Processor<byte[], byte[], Void, Void> {

    static final String PANELS = "panels";
    static final String COUNTS = "counts";
    private static final long LONG_PRESS_MS = 3_000;
    private static final long DEBOUNCE_MS = 1_000;
    private static final long ANSWER_WINDOW_MS = 30_000;
    private static final long BUCKET_MS = 24 * 60 * 60_000L;

    private final Stopwatch stopwatch;
    private KeyValueStore<String, Survey> panels;
    private KeyValueStore<String, Long> counts;

    Pairing(Stopwatch stopwatch) {
        this.stopwatch = stopwatch;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        panels = context.getStateStore(PANELS);
        counts = context.getStateStore(COUNTS);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        Press press = Press.parse(record.value());
        String panel = press.office() + '|' + press.panel();
        Survey survey = panels.get(panel);
        if (press.bySeller()) {
            open(panel, survey, press);
        } else if (survey != null && !survey.answered() && press.tsMs() <= survey.tsMs() + ANSWER_WINDOW_MS) {
            panels.put(panel, new Survey(survey.tsMs(), true, survey.employee()));
            count(survey, press.answer());
        }
        stopwatch.note();
    }

    private void open(String panel, Survey before, Press press) {
        if (press.holdMs() >= LONG_PRESS_MS) {
            return;
        }
        if (before != null && press.tsMs() - before.tsMs() <= DEBOUNCE_MS) {
            return;
        }
        panels.put(panel, new Survey(press.tsMs(), false, press.employee()));
        if (before != null && !before.answered()) {
            count(before, "silent");
        }
    }

    private void count(Survey survey, String outcome) {
        String counter = survey.counter(outcome, BUCKET_MS);
        Long before = counts.get(counter);
        counts.put(counter, before == null ? 1L : before + 1);
    }
}
