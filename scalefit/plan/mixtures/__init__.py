"""Which mixture of domains to train on, from laws over weights."""

from ._limits import MixtureLimits as MixtureLimits
from ._optimise import optimise_mixture as optimise_mixture
from ._result import BestMixture as BestMixture
from ._result import MixtureDraws as MixtureDraws
