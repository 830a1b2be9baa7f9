"""What Arrow and Python raise of an object becomes the object's own error."""

import pytest

from ingestion.ranged import refused
from ingestion.settling import ObjectUnsettled


@pytest.mark.parametrize("error", [ValueError("a"), OverflowError("a"), NotImplementedError("a"), OSError("a")])
def test_a_value_that_no_type_holds_is_told_of_its_object(error):
    with pytest.raises(ObjectUnsettled, match="a"), refused("key", lambda why: ObjectUnsettled(why, hint="none")):
        raise error


def test_an_error_of_the_machine_stays_one():
    with pytest.raises(OSError, match="full"), refused("key", lambda why: ObjectUnsettled(why, hint="none")):
        raise OSError(28, "full")
