"""Gauges that are told as a whole."""

from prometheus_client import CollectorRegistry

from agents.telemetry import Gauges


def test_what_is_told_no_more_is_gone():
    """A partition that was lost shows no lag, and one that comes back shows its own."""
    registry = CollectorRegistry()
    gauges = Gauges("lag", "Of partitions.", ["partition"], registry)
    gauges.show({("0",): 5.0, ("1",): 6.0})
    gauges.show({("1",): 7.0})
    assert [registry.get_sample_value("lag", {"partition": each}) for each in "01"] == [None, 7.0]
    gauges.show({("0",): 1.0})
    assert [registry.get_sample_value("lag", {"partition": each}) for each in "01"] == [1.0, None]
