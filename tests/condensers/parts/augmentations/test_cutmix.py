"""CutMix against its definition, pixel by pixel; the shares of the labels; the size and place of
the boxes.
"""

import pytest
import torch

from condensers.parts.augmentations.cutmix import cutmix, draw_box


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (2, 5, 9)])
def test_each_pixel_is_of_one_image_or_of_its_partner_and_labels_share_as_the_areas(
    shape: tuple[int, int, int],
) -> None:
    n, (_, height, width) = 6, shape
    for seed in range(200 // height):
        images = torch.randn(n, *shape, generator=torch.Generator().manual_seed(99))
        before, labels = images.clone(), torch.tensor([0, 1, 2, 3, 4, 0])
        mixed, probabilities = cutmix(images, labels, 5, torch.Generator().manual_seed(seed))
        replay = torch.Generator().manual_seed(seed)
        box = draw_box(height, width, replay)
        partner = torch.randperm(n, generator=replay).tolist()
        inside = [
            box.top <= i < box.bottom and box.left <= j < box.right
            for i in range(height)
            for j in range(width)
        ]
        share = sum(inside) / (height * width)
        for number in range(n):
            for pixel, pasted in enumerate(inside):
                i, j = divmod(pixel, width)
                assert torch.equal(
                    mixed[number, :, i, j], before[partner[number] if pasted else number, :, i, j]
                )
            wanted = [0.0] * 5
            wanted[int(labels[number])] += 1 - share
            wanted[int(labels[partner[number]])] += share
            assert probabilities[number].tolist() == pytest.approx(wanted, abs=1e-6)
        assert torch.equal(images, before), "the images given are left as they are"


def test_soft_labels_are_mixed_alike() -> None:
    images, soft = torch.randn(4, 1, 8, 8), torch.eye(4)
    hard = cutmix(images, torch.arange(4), 4, torch.Generator().manual_seed(3))
    again = cutmix(images, soft, 4, torch.Generator().manual_seed(3))
    assert torch.equal(hard[1], again[1])
    assert torch.equal(hard[0], again[0])


def test_boxes_lie_inside_and_have_the_sides_of_the_paper(generator: torch.Generator) -> None:
    """Away from the border the area is 1 - lambda of the image, lambda uniform: half of it on
    average.
    """
    boxes = [draw_box(32, 32, generator) for _ in range(4000)]
    assert all(
        0 <= box.top <= box.bottom <= 32 and 0 <= box.left <= box.right <= 32 for box in boxes
    )
    uncut = [
        box for box in boxes if 0 < box.top < box.bottom < 32 and 0 < box.left < box.right < 32
    ]
    assert all(box.bottom - box.top == box.right - box.left for box in uncut)
    whole = [max(box.bottom - box.top, box.right - box.left) for box in boxes]
    assert min(whole) == 0
    assert max(whole) >= 30
    small = sum(min(box.bottom - box.top, box.right - box.left) <= 16 for box in boxes) / len(boxes)
    assert small > 0.5, "what lies beyond the border is cut off"


def test_a_single_image_is_its_own_partner(generator: torch.Generator) -> None:
    image = torch.randn(1, 3, 8, 8)
    mixed, probabilities = cutmix(image, torch.tensor([2]), 4, generator)
    assert torch.equal(mixed, image)
    assert torch.allclose(probabilities, torch.tensor([[0.0, 0.0, 1.0, 0.0]]))
