"""The verbs about one law as methods of one object, which goes where scikit-learn takes an estimator."""

from ._scaling_law import ScalingLaw as ScalingLaw
