"""Parameters come from the core's own lists, so that a new one appears here by itself.

An estimator names the parameters it has in common with its scikit-learn (or other) namesake; all
other fields of the core's parameter structs follow as keywords, under their own names.
"""

import difflib
import inspect
from typing import Any, Dict, List

from latlas import _core


def parameters(step: str) -> List[Dict[str, Any]]:
    """The parameters of a step of the core, as dictionaries: name, default, help (what larger does),
    low, high, choices.

    step: autoencoder, training, neighbors, pca, tsne, aligned, place, novelty, umap, evaluate,
    probe or synthetic.
    """
    return _core.fields(step)


def with_parameters(own, structs=None, fixed=(), last=None, only=None):
    """Decorates an estimator: gives it __init__ and the text on its parameters.

    own      keyword → (default, help): first, in this order; the very first may be positional.
    structs  struct of the core → {field: keyword}, the fields that `own` names otherwise.
    fixed    fields that the estimator sets by itself.
    last     like own, after the core's.
    only     keyword → the values it may have, the default first (...: any): taken for a namesake's
             sake; they change nothing. Like all values they are checked by fit, not here.
    """

    def decorate(cls):
        keywords = dict(own)
        fields = {}
        for struct, renamed in (structs or {}).items():
            fields[struct] = {}
            for field in _core.fields(struct):
                name = field["name"]
                if name in fixed:
                    continue
                keyword = renamed.get(name, name)
                fields[struct][keyword] = name
                if keyword not in keywords:
                    choices = field["choices"]
                    help = field["help"] + (f" ({', '.join(choices)})" if choices else "")
                    keywords[keyword] = (field["default"], help)
        keywords.update(last or {})
        keywords.update({name: (values[0], _help_of(values)) for name, values in (only or {}).items()})
        defaults = {name: default for name, (default, _) in keywords.items()}
        kinds = inspect.Parameter
        signature = inspect.Signature(
            [kinds("self", kinds.POSITIONAL_OR_KEYWORD)] +
            [kinds(name, kinds.KEYWORD_ONLY if i else kinds.POSITIONAL_OR_KEYWORD, default=default)
             for i, (name, (default, _)) in enumerate(keywords.items())])

        def __init__(self, *args, **kwargs):
            refuse_unknown(cls.__name__, kwargs, keywords, TypeError)
            if args:  # which is the first parameter, or too many
                try:
                    kwargs = dict(signature.bind(self, *args, **kwargs).arguments)
                except TypeError as error:
                    raise TypeError(f"{cls.__name__}: {error}") from None
                del kwargs["self"]
            vars(self).update(defaults)
            vars(self).update(kwargs)

        __init__.__signature__ = signature
        __init__.__qualname__ = f"{cls.__name__}.__init__"
        cls.__init__ = __init__
        cls._fields = fields
        cls._of_namesakes = dict(only or {})
        lines = [f"    {name} : {default!r}\n        {help}" for name, (default, help)
                 in keywords.items()]
        cls.__doc__ = inspect.cleandoc(cls.__doc__ or "") + "\n\nParameters, with their defaults:\n\n" \
            + "\n".join(lines) + "\n"
        return cls

    return decorate


def _help_of(values):
    if ... in values:
        return "without effect"
    named = ", ".join(map(repr, values))
    return f"without effect ({named})" if len(values) > 1 else f"it can only be {named}"


def check_of_namesakes(estimator):
    """Refuses values that a namesake's parameter cannot have here."""
    for name, values in estimator._of_namesakes.items():
        value = getattr(estimator, name)
        if ... not in values and value not in values:
            raise ValueError(f"{type(estimator).__name__}: {name} is {value!r}, it can only be "
                             f"{' or '.join(map(repr, values))}")


def refuse_unknown(what, names, known, error=ValueError):
    """Raises an error that tells which name was meant, or else which are known."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise error(f"{what}: '{name}' is unknown; " +
                        (f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"))


def given(estimator, struct, **special):
    """The values for a struct of the core; `special` gives those that need translation."""
    values = {}
    for keyword, field in estimator._fields[struct].items():
        value = special.pop(field) if field in special else getattr(estimator, keyword)
        if value is not None:
            values[field] = value
        elif type(estimator).__init__.__signature__.parameters[keyword].default is not None:
            raise ValueError(f"{type(estimator).__name__}: {keyword} is None, it must have a value")
    known = {f["name"] for f in _core.fields(struct)}
    values.update({k: v for k, v in special.items() if k in known and v is not None})
    return values
