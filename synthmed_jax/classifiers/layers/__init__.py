"""The layers that torchvision's networks are made of."""
