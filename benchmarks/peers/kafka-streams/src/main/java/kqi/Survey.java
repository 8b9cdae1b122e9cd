package kqi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** The survey that a panel's last accepted press opened. */
record Survey(long tsMs, boolean answered, String employee) {

    static final Serde<Survey> SERDE = Serdes.serdeFrom(
        (topic, survey) -> survey == null ? null : survey.toBytes(),
        (topic, bytes) -> bytes == null ? null : fromBytes(bytes));

    /** The counter that this survey belongs to once it has an outcome. */
    String counter(String outcome, long bucketMs) {
        return employee + '|' + outcome + '|' + tsMs / bucketMs;
    }

    private byte[] toBytes() {
        byte[] name = employee.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(9 + name.length).putLong(tsMs).put((byte) (answered ? 1 : 0)).put(name).array();
    }

    private static Survey fromBytes(byte[] bytes) {
        ByteBuffer from = ByteBuffer.wrap(bytes);
        return new Survey(
            from.getLong(), from.get() == 1, new String(bytes, 9, bytes.length - 9, StandardCharsets.UTF_8));
    }
}
