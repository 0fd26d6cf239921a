"""A reader study: does the machine help those who read, or harm them?"""
