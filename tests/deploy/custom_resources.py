"""Checks objects of the Prometheus operator and of KEDA by models made of their definitions. Runs on the tools' own Python.

Reads YAML on standard input; writes `kind: right`, or what is wrong, for each object of a kind that it knows.
"""

import sys

import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor
from pydantic import ValidationError

MODELS = {model.__name__: model for model in (PrometheusRule, ScaledObject, ServiceMonitor)}

for given in yaml.safe_load_all(sys.stdin):
    model = MODELS.get(given["kind"])
    if model is not None:
        try:
            model.model_validate(given, extra="forbid")
            said = "right"
        except ValidationError as error:
            said = str(error)
        sys.stdout.write(f"{given['kind']}: {said}\n")
