"""Errors that a user's config, data or machine causes.

Every one is a :class:`UserError` and a built-in exception as well, so that
code may catch either. The tools print them as one line and leave with exit
code 2; any other exception keeps its trace. Each takes one message, because
mmengine's ``Registry.build`` re-raises what a constructor raised as
``type(error)(message)``.
"""


class UserError(Exception):
    """Mark of an error that the user can mend; the message says how.

    Raise one of the subclasses: the bare class says nothing of the kind.
    """


class MissingDataError(UserError, FileNotFoundError):
    """A file or folder that the run needs is not there."""


class BadDataError(UserError, ValueError):
    """A file is there, but what it holds cannot be used."""


class BadConfigError(UserError, ValueError):
    """A config value that no run can be made of."""


class BadTypeError(UserError, TypeError):
    """A config value or an argument of the wrong type."""


class BadCheckpointError(UserError, ValueError):
    """A checkpoint that does not fit the model or cannot be read."""


class NoNetworkError(UserError, ConnectionError):
    """A URL that could not be fetched from this machine."""


class NoSpaceError(UserError, OSError):
    """A file that does not fit the disk, or the quota, any more."""


class InvalidLossError(UserError, FloatingPointError):
    """A training whose loss, gradient or weights are NaN or infinite."""
