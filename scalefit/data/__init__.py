"""Runs, and how they come in: tables from files and data frames, public data sets by name."""

from .._core import hint as hint
from .._core import listed as listed
from ._columns import header_of as header_of
from ._columns import our_name as our_name
from ._data_sets import DataFile as DataFile
from ._data_sets import DataSet as DataSet
from ._data_sets import data_sets as data_sets
from ._dropped import Dropped as Dropped
from ._fetch import fetch as fetch
from ._joined import joined as joined
from ._load import PoolParameters as PoolParameters
from ._load import load_data as load_data
from ._load import load_table as load_table
from ._numbers import parse_number as parse_number
from ._pools import UNLIMITED as UNLIMITED
from ._pools import Pools as Pools
from ._pools import pooled as pooled
from ._pools import refuse_shares as refuse_shares
from ._read import read_runs as read_runs
from ._runs import UNITS as UNITS
from ._runs import Runs as Runs
from ._since import read_since as read_since
from ._stored import restored as restored
from ._stored import stored as stored
from ._table import table_of as table_of
from ._where import Condition as Condition
