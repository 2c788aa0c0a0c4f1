def answer(): return "deep"
