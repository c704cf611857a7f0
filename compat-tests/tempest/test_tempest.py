"""Tempest's identity tests and keystone-tempest-plugin's tests of who may do what, unmodified, by family (see `families.py`)."""

import pytest

from families import FAMILIES, LATER, PACKAGES, problems


@pytest.mark.parametrize("family", FAMILIES)
def test_every_test_passes(family, tempest):
    outcomes = tempest.run(tempest.tests_of(FAMILIES[family]))
    assert outcomes
    bad = problems(outcomes)
    told = "\n\n".join(f"{one.outcome} {one.test}\n{one.text[-1500:]}" for one in bad)
    assert not bad, f"{len(bad)} of {len(outcomes)}:\n{told}"


def test_every_module_of_the_packages_is_asked_for_or_put_off(tempest):
    asked = [module for modules in FAMILIES.values() for module in modules]
    assert sorted(asked + list(LATER)) == sorted(tempest.modules_of(PACKAGES))
