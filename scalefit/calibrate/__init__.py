"""What a law misses beyond its runs, learnt from forecasts that can be checked."""

from ._backtest import Backtest as Backtest
from ._backtest import Choice as Choice
from ._backtest import Distance as Distance
from ._backtest import backtest as backtest
from ._causes import Cause as Cause
from ._causes import Causes as Causes
from ._causes import causes as causes
from ._compare import Compared as Compared
from ._compare import Comparison as Comparison
from ._compare import compare as compare
from ._discrepancy import MOST_DRAWS as MOST_DRAWS
from ._discrepancy import Discrepancy as Discrepancy
from ._discrepancy import discrepancy as discrepancy
from ._forecast import Forecast as Forecast
from ._forecast import forecast as forecast
from ._law import StackedLaw as StackedLaw
from ._registered import Checked as Checked
from ._registered import Registered as Registered
from ._registered import register as register
from ._registered import registered as registered
