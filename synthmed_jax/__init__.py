"""Can synthetic medical images stand in for real ones or add to them, and are they safe?"""
