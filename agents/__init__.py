"""Everything that touches the world: Kafka, HTTP, files, processes, the command line."""
