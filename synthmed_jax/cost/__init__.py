"""What a traced program costs on a chip that need not be here: operations, bytes, memory, time."""
