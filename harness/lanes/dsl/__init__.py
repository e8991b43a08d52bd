"""Programs of the step language, judged: does a program do what it states, the same way every time?"""
