"""What flows and what it means, pure: events, decoding, configuration, catalogue, engine."""
