from cupre_mm.utils.few_shot.hash_order import (
    hash_fraction,
    hash_key,
    image_order,
)

# Literals: another machine, Python or seed handling must not change them.
ORDER_0 = ['c.png', 'b.png', 'd.png', 'a.png']
ORDER_1 = ['b.png', 'd.png', 'a.png', 'c.png']


def test_order_is_the_one_published():
    names = ['a.png', 'b.png', 'c.png', 'd.png']
    assert image_order(names, 0) == ORDER_0
    assert image_order(names, 1) == ORDER_1
    assert image_order(reversed(names), 0) == ORDER_0


def test_names_of_any_script_have_a_key():
    assert hash_key('Zelle äöü.tif', 0) != hash_key('Zelle aou.tif', 0)


def test_fractions_fill_the_range_from_0_to_1():
    values = sorted(hash_fraction(str(i), 3) for i in range(1000))
    assert 0 <= values[0] < 0.01
    assert 0.45 < values[500] < 0.55
    assert 0.99 < values[-1] < 1
    assert hash_fraction('a', 0) == int(hash_key('a', 0)[:13], 16) / 16**13
