"""COCO annotations packed into a file that is mapped, not parsed."""
