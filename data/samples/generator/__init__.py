"""Simulate Brightwater Software, a made-up company, and write what its CRM would export on a given day."""
