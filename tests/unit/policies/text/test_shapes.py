import re2

from keeptrusts.policies.text.shapes import ENTITIES, HEALTHCARE_KINDS, OWN, PCI_KINDS


def test_every_shape_bears_the_name_of_its_kind_and_is_a_pattern():
    for kind, shapes in ENTITIES.items():
        assert {shape.kind for shape in shapes} == {kind}
        assert all(re2.compile(shape.pattern).groups == shape.in_context for shape in shapes)
        assert all(shape.family != OWN for shape in shapes)


def test_modes_name_known_kinds():
    assert set(ENTITIES) >= PCI_KINDS | HEALTHCARE_KINDS
