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


EXAMPLES = {
    check: "scalefit check data:epoch-chinchilla --law chinchilla --deep",
    fit: "scalefit fit runs.csv --law chinchilla --bootstrap 1000 --out fit",
    predict: "scalefit predict fit N=70B D=1.4T --new-run",
    forecast: "scalefit forecast fit N=70B D=1.4T --register forecast.json",
    compare: "scalefit compare runs.csv --law chinchilla,skaling,kaplan",
    causes: "scalefit causes fit --schedule decay",
    speedup: "scalefit speedup fit other_recipe.csv --along N",
    plan: "scalefit plan fit --budget 1e22,1e24 --target-loss 2.0 --device H100",
    curate: "scalefit curate runs.csv --pool-size A=1M,B=5M --budget 10M,40M --max-passes 8",
    mix: "scalefit mix ratios.csv metrics.csv --limits limits.toml --at D=1e12",
    design: "scalefit design fit --candidates isoflop:1e18,1e20 --budget 1e21 --goal N@C=1e24 --out next.csv",
    sweep: "scalefit sweep sweep.toml --out swept",
    report: "scalefit report fit --with plan.json",
    laws: "scalefit laws --inputs N,D,U",
    schema: "scalefit schema fit",
}
"""Commands in the order of the help, each with an example."""
for _command, _example in EXAMPLES.items():
    main.command(epilog=f"Example: {_example}")(configured(_command))
main.add_typer(data, name="data")
main.command(epilog="Example: scalefit demo --out demo")(configured(demo))
