"""Which mixture of domains to train on, from laws over weights."""

from ._folds import Foreseen as Foreseen
from ._folds import MixtureFolds as MixtureFolds
from ._folds import mixture_folds as mixture_folds
from ._honesty import hull_distance as hull_distance
from ._honesty import known_distance as known_distance
from ._honesty import support as support
from ._influence import MixtureInfluence as MixtureInfluence
from ._influence import mixture_influence as mixture_influence
from ._judged import judged as judged
from ._limits import MixtureLimits as MixtureLimits
from ._names import short_names as short_names
from ._next import MixtureDesign as MixtureDesign
from ._next import design_mixtures as design_mixtures
from ._optimise import optimise_mixture as optimise_mixture
from ._proxies import MatchedProxy as MatchedProxy
from ._proxies import matched_proxy as matched_proxy
from ._regret import MixtureRegret as MixtureRegret
from ._regret import mixture_regret as mixture_regret
from ._result import BestMixture as BestMixture
from ._result import MixtureDraws as MixtureDraws
from ._scale import MixturePath as MixturePath
from ._scale import amounts_at as amounts_at
from ._scale import mixtures_along as mixtures_along
from ._swap import Swap as Swap
from ._swap import mixture_speedup as mixture_speedup
