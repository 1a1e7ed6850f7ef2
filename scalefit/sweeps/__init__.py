"""Many fits as one job: laid out, cut into chunks, done by one process or a cluster, kept on disk, resumed."""

from ._chunk import FIT as FIT
from ._chunk import done as done
from ._chunk import laid as laid
from ._config import Config as Config
from ._config import Law as Law
from ._config import Source as Source
from ._config import Verb as Verb
from ._config import read_config as read_config
from ._engines import ENGINES as ENGINES
from ._folder import Folder as Folder
from ._grid import MAX_DRAWS as MAX_DRAWS
from ._grid import MAX_FITS as MAX_FITS
from ._grid import grid_of as grid_of
from ._grid import number_of as number_of
from ._grid import sources_of as sources_of
from ._merge import RESULTS_FILE as RESULTS_FILE
from ._merge import merge as merge
from ._outline import TRIAL as TRIAL
from ._outline import Kind as Kind
from ._outline import Outline as Outline
from ._outline import outline as outline
from ._splits import splits_of as splits_of
from ._sweep import Swept as Swept
from ._sweep import sweep as sweep
