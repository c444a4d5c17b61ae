"""The one door of the web that writes: what jobs report, what links of messages do, what CI says of a deploy."""
