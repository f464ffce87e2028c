"""Thousands of billed calls against a server that fails in many ways: what is lost, and what is paid twice."""
