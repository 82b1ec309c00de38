"""Fields that roll up from fine to coarse: detail to source to motion, country to region."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field

from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml


class Layer(Definition):
    """One layer of a family.

    Attributes:
        id: The partition that the layer usually is, and under which a roll-up to it would be written.
        label: What a reader calls it.
        fields: Partitions that may be this layer, the usual one first.
        is_optional: Whether a family is whole with another optional layer in its place.
        usual: A word of a finer value → what such a value usually rolls up to; only ever a suggestion.
    """

    id: str
    label: str
    fields: tuple[str, ...] = Field(min_length=1)
    is_optional: bool = False
    usual: Mapping[str, str] = Field(default_factory=dict)

    def find(self, carried: Iterable[str]) -> str:
        """Return the partition that is this layer among those carried; empty where none is."""
        known = set(carried)
        return next((field for field in self.fields if field in known), "")

    def suggest(self, value: str) -> str:
        """Return what a finer value usually rolls up to; empty where nothing is known of it.

        >>> Layer(id="m", label="M", fields=("m",), usual={"paid": "Marketing-led"}).suggest("Paid Search (US)")
        'Marketing-led'
        """
        words = " ".join(re.findall(r"[^\W_]+", value.casefold()))
        if words in self.usual:
            return self.usual[words]
        long = [(word, coarse) for word, coarse in self.usual.items() if len(word) > 2]
        found = [coarse for word, coarse in long if re.search(rf"\b{re.escape(word)}s?\b", words)]
        return found[0] if found and len(set(found)) == 1 else ""


class Family(Definition):
    """Layers that belong together, fine to coarse.

    Attributes:
        id: What logic calls it.
        label: What a reader calls it.
        asks: The questions that its layers answer, fine to coarse.
        layers: The layers.
    """

    id: str
    label: str
    asks: str = ""
    layers: tuple[Layer, ...] = Field(min_length=2)


class LayerRules(Definition):
    """Every family, and when a layer needs another one above it.

    Attributes:
        families: The families.
        most_values: A layer with more values needs a coarser one.
        main_share: From this share of a value's records on its main parent is suggested as its only one.
    """

    families: tuple[Family, ...]
    most_values: int = Field(12, ge=2)
    main_share: float = Field(0.9, gt=0.5, le=1)


def load_layers(folder: Path = DEFINITIONS) -> LayerRules:
    """Read the layers.

    Raises:
        DefinitionError: The file is incomplete or holds an unknown key.
    """
    return read_record(LayerRules, read_toml(folder / "layers.toml")["layers"], file="layers.toml", key="layers")
