"""How good and how fast the engines are; README.md holds what was measured, and the commands."""
