package kqi;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The job on Kafka Streams: one stream thread, two stores in memory.
 *
 * <p>Arguments: bootstrap, topic, group, events, partitions, folder, and "changelog" or "no-changelog".
 */
public final class Peer {

    private static final int RECORDS_PER_POLL = 10_000;
    private static final int FETCH_BYTES = 4 << 20;
    private static final long CACHE_BYTES = 64L << 20;

    private Peer() {}

    public static void main(String[] arguments) throws Exception {
        Stopwatch stopwatch = new Stopwatch(Long.parseLong(arguments[3]));
        Topology topology = topology(arguments[1], stopwatch, arguments[6].equals("changelog"));
        try (KafkaStreams streams = new KafkaStreams(topology, settings(arguments))) {
            streams.start();
            stopwatch.await();
            writeCounts(streams, Path.of(arguments[5], "counts"));
            System.out.println(stopwatch.report());
            System.out.flush();
            streams.close(Duration.ofSeconds(30));
        }
    }

    private static Properties settings(String[] arguments) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[5]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), RECORDS_PER_POLL);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), FETCH_BYTES);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, RECORDS_PER_POLL);
        return settings;
    }

    private static Topology topology(String topic, Stopwatch stopwatch, boolean changelog) {
        Serde<byte[]> bytes = Serdes.ByteArray();
        return new Topology()
            .addSource("presses", bytes.deserializer(), bytes.deserializer(), topic)
            .addProcessor("pairing", () -> new Pairing(stopwatch), "presses")
            .addStateStore(store(Pairing.PANELS, Survey.SERDE, changelog), "pairing")
            .addStateStore(store(Pairing.COUNTS, Serdes.Long(), changelog), "pairing");
    }

    private static <V> StoreBuilder<?> store(String name, Serde<V> values, boolean changelog) {
        var builder = Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), Serdes.String(), values);
        // What is written to a changelog goes through a cache first, so that a value that changes often is written seldom.
        return changelog ? builder.withCachingEnabled().withLoggingEnabled(Map.of()) : builder.withLoggingDisabled();
    }

    private static void writeCounts(KafkaStreams streams, Path file) throws IOException {
        var counts = streams.store(
            StoreQueryParameters.fromNameAndType(Pairing.COUNTS, QueryableStoreTypes.<String, Long>keyValueStore()));
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(file));
            KeyValueIterator<String, Long> all = counts.all()) {
            while (all.hasNext()) {
                KeyValue<String, Long> entry = all.next();
                out.println(entry.key + ' ' + entry.value);
            }
        }
    }
}
