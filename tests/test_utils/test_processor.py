import pytest

from cupre_mm.utils.processor import has_bfloat16_matrices


@pytest.mark.parametrize(
    ('flags', 'answer'),
    [
        ('flags : fpu avx2 avx512_bf16 amx_bf16 amx_tile', True),
        ('flags : fpu avx2 avx512_bf16', False),
    ],
)
def test_the_flags_of_the_kernel_tell(tmp_path, flags, answer):
    file = tmp_path / 'cpuinfo'
    file.write_text(f'processor : 0\n{flags}\n')
    assert has_bfloat16_matrices(file) is answer


def test_a_system_that_does_not_say_counts_as_without(tmp_path):
    assert not has_bfloat16_matrices(tmp_path / 'none')
