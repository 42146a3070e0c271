"""All that forecasting takes: times and steps, seasons, windows of series as examples, and the task.

A table becomes a timeline (timeline.py) of steps (timesteps.py), the timeline becomes windows (windows.py), and parts.py says which
of them are learned from.
"""
