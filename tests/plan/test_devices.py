"""Hours of devices, and money."""

import pytest

import scalefit as sf


def test_hours_days_and_money():
    """Llama 2 of 70B parameters took 1,720,320 hours of A100 for 2T tokens (arXiv 2307.09288, table 2)."""
    told = sf.device_hours(6 * 70e9 * 2e12, "A100", utilisation=0.4347, count=2000, price=2.0)
    assert told.device_hours[0] == pytest.approx(1_720_320, rel=1e-3)
    assert told.days[0] == pytest.approx(told.device_hours[0] / 48_000)
    assert told.money is not None
    assert told.money[0] == pytest.approx(2.0 * told.device_hours[0])


def test_several_computes_without_a_price():
    told = sf.device_hours([3.6e21, 7.2e21], "V100", utilisation=1.0)
    assert told.device_hours.tolist() == [8000.0, 16000.0]
    assert told.money is None


@pytest.mark.parametrize(
    ("compute", "options", "said"),
    [
        (1e22, {"device": "H10"}, "device is 'H10'; expected .*The nearest is 'H100'"),
        (1e22, {"utilisation": 1.1}, "utilisation is 1.1; expected a share above 0 and up to 1"),
        (1e22, {"utilisation": 40}, "utilisation is 40"),
        (1e22, {"count": 0}, "count is 0"),
        (1e22, {"price": -1.0}, "price is -1"),
        ("1e22", {}, "compute is '1e22'; expected a finite number of FLOP"),
    ],
)
def test_numbers_out_of_range_are_refused(compute, options, said):
    with pytest.raises(sf.InputError, match=said):
        sf.device_hours(compute, **options)
