"""The schema: valid, without a warning, and complete."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from birdwatcher.api.schema import OF_EVERYTHING, schema
from tests.support.program import Caller


def test_it_is_valid_and_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_is_served_to_everybody(database: object) -> None:
    for address in ("schema", "schema/"):
        assert Caller().get(address) == schema()


def test_everything_has_its_words_and_its_errors() -> None:
    for path, operations in schema()["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["responses"].keys() > OF_EVERYTHING
            assert operation["security"][0] == {"token": []}
            for parameter in operation.get("parameters", []):
                assert "type" in parameter["schema"] or "enum" in parameter["schema"], parameter
    components = schema()["components"]
    assert all("example" in str(it) for it in components["responses"].values())
    for name, component in components["schemas"].items():
        for field, of in component.get("properties", {}).items():
            assert {"type", "$ref", "allOf", "oneOf"} & of.keys(), (name, field)


def test_a_pattern_says_what_is_allowed() -> None:
    schemas = schema()["components"]["schemas"]
    species = schemas["SpeciesRequest"]["properties"]["name"]["pattern"]
    node = schemas["NodeRequest"]["properties"]["name"]["pattern"]
    assert species == r"^[^\u0000]*$"
    assert all(re.search(species, name) for name in ("Robin 🐦 ", "a\nb", "gpj.\u202eecnalg"))
    assert re.search(node, "Dartmoor 🐦")
    assert not any(re.search(node, name) for name in ("a\nb", "gpj.\u202eecnalg"))
    assert not re.search(species, "a\0b")
