"""Which mixture of domains to train on, from laws over weights."""

from ._folds import Foreseen as Foreseen
from ._folds import MixtureFolds as MixtureFolds
from ._folds import mixture_folds as mixture_folds
from ._limits import MixtureLimits as MixtureLimits
from ._names import short_names as short_names
from ._optimise import optimise_mixture as optimise_mixture
from ._result import BestMixture as BestMixture
from ._result import MixtureDraws as MixtureDraws
from ._scale import amounts_at as amounts_at
from ._scale import mixtures_along as mixtures_along
