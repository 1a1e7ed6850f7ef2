"""Many fits as one job: laid out, cut into chunks, done by one process or a cluster, kept on disk, resumed."""

from ._chunk import done as done
from ._chunk import laid as laid
from ._config import Config as Config
from ._config import Law as Law
from ._config import Source as Source
from ._config import Verb as Verb
from ._config import read_config as read_config
from ._engines import ENGINES as ENGINES
from ._grid import grid_of as grid_of
from ._merge import RESULTS_FILE as RESULTS_FILE
from ._merge import merge as merge
from ._outline import Kind as Kind
from ._outline import Outline as Outline
from ._outline import outline as outline
from ._sweep import Swept as Swept
from ._sweep import sweep as sweep
