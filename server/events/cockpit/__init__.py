"""What an event does just now, for whoever runs it.

Purpose: the last ten minutes of a sale by the second, from memory.

Concurrency: each process looks at its events once a second; commands are counted by
their actors once a batch, and nothing here is asked by one. What other processes saw is
asked for over the bus when somebody looks.
"""
