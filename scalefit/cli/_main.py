"""The root command, of which the others are parts.

The library is imported by a command when it runs, so that `--help` is quick.
"""

from typing import Annotated

import typer

from ._causes import causes
from ._check import check
from ._compare import compare
from ._config import configured
from ._curate import curate
from ._data import data
from ._demo import demo
from ._design import design
from ._errors import Group, Program
from ._fit import fit
from ._forecast import forecast
from ._laws import laws
from ._mix import mix
from ._plan import plan
from ._predict import predict
from ._report import report
from ._schema import schema
from ._speedup import speedup
from ._sweep import sweep

main = Program(
    name="scalefit",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0, 2 for input that cannot be used, 3 for a fit that did not converge, 4 for a sweep of which "
    "chunks failed or a table of which a check failed, 5 for output that cannot be written.",
)


def _version(wanted: bool) -> bool:
    if wanted:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit()
    return wanted


@main.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Fit neural scaling laws to runs, and say how sure the fit is."""
    del version


main.command()(configured(check))
main.command()(configured(fit))
main.command()(configured(predict))
main.command()(configured(forecast))
main.command()(configured(compare))
main.command()(configured(causes))
main.command()(configured(speedup))
main.command()(configured(plan))
main.command()(configured(curate))
main.command()(configured(mix))
main.command()(configured(design))
main.command()(configured(sweep))
main.command()(configured(report))
main.command()(configured(laws))
main.command()(configured(schema))
main.add_typer(data, name="data")
main.command()(configured(demo))
