"""Matches patterns and assigns in conditions."""




def run(text):
    out, seen = [], set()
    for line in text.split("\n"):
        match line in seen:
            case True:
                continue
        if (size := len(seen)) >= 0:
            seen.add(line)
            out.append(line)
    return "\n".join(out)
