"""prepdata: finds what is wrong with fine-tuning data before you pay for the fine-tune.

import prepdata

report = prepdata.validate("train.jsonl", targets=["openai"])
for finding in report:
    print(finding.file, finding.line, finding.name, finding.message)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prepdata.api import validate as validate
    from prepdata.errors import ConfigError as ConfigError
    from prepdata.errors import InputError as InputError
    from prepdata.errors import PrepdataError as PrepdataError
    from prepdata.errors import UsageError as UsageError
    from prepdata.findings import Finding as Finding
    from prepdata.report import Report as Report
    from prepdata.settings import Settings as Settings
    from prepdata.splitting.report import SplitReport as SplitReport
    from prepdata.splitting.run import split as split

__version__ = "0.1.0"

_HOMES = {
    "validate": "prepdata.api",
    "split": "prepdata.splitting.run",
    "Settings": "prepdata.settings",
    "SplitReport": "prepdata.splitting.report",
    "Report": "prepdata.report",
    "Finding": "prepdata.findings",
    "PrepdataError": "prepdata.errors",
    "UsageError": "prepdata.errors",
    "ConfigError": "prepdata.errors",
    "InputError": "prepdata.errors",
}
__all__ = [
    "ConfigError",
    "Finding",
    "InputError",
    "PrepdataError",
    "Report",
    "Settings",
    "SplitReport",
    "UsageError",
    "split",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used, so that `import prepdata` costs nothing."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'prepdata' has no attribute '{name}'")
