"""The parts of tests/fuzz/campaign.py."""
