"""Tests over trees and partitions, their combination over halves, and verdicts."""
