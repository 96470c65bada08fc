"""Source code in many languages, with a line "%%" where a block ends."""

from __future__ import annotations

# Each text with a line "%%" where a block ends; closing lines after the last block of a class are in none.
LANGUAGES = {
    "go": """
// Max is the most.
const Max = 12 << 20
%%
// Run runs.
// It returns an error.
func Run() error {
	if x {
		return nil
	}
	return ErrNo
}
""",
    "rust": """
/// What fails.
#[derive(Debug)]
pub enum Fault {
    /// Too short.
    Short,
    Long,
}
%%
pub fn sum(x: impl Iterator<Item = u32>) -> u32 {
    for y in x {
        z += y;
    }
    z
}
""",
    "csharp": """
public class Door
{
    private int tries;
%%
    [Obsolete]
    public bool Open()
    {
        return true;
    }
%%
}
""",
    "typescript": """
/**
 * Runs jobs.
 */
export class Queue {
  private n = 0;
%%
  /** Adds one. */
  add(): void {
    this.n++;
  }
%%
}
%%
export const slug = (s: string) =>
  s.trim();
""",
    "bash": """
#!/bin/sh
%%
# Keeps this many.
KEEP=5
%%
run() {
  ls /srv/*/x |
    tail -n 3
}
%%
docker run \\
-it x
""",
    "ruby": """
# An order.
class Order
  VAT = 0.19
%%
  def net
    1
  end
%%
end
""",
    "sql": """
-- Late ones.
CREATE VIEW late AS
SELECT a FROM b
WHERE c;
%%
DROP TABLE d;
""",
    "terraform": """
# How long
variable "days" {
  description = "How long"
  default     = 35
}
""",
    "toml": """
[tool.x]
%%
line = 100
%%
names = [
  'a',
]
""",
}
# The same for what stands at the margin and belongs to what is around it all the same.
AT_THE_MARGIN = {
    "c": """
/* Counts bits. */
static int
bits(unsigned v)
{
	if (!v)
		goto out;
#ifdef TRACE
	trace(v);
#endif
	return 1;
out:
	return 0;
}
%%
struct ring *make(int n)
{
	while (n) {
		n--;
	}
	return 0;
}
""",
    "cpp": """
namespace a {
%%
/// Workers.
class Pool {
 public:
  Pool();
%%
  // Adds one.
  void Add() {
    n_++;
  }
%%
  int n_;
%%
};
%%
constexpr int kMost = 64;
%%
}
""",
    "javascript": """
function page(user) {
  return `
<p>
${user}
`;
}
%%
module.exports = (a) => {
  if (a) {
    b();
  }
};
""",
    "go": """
const usage = `Usage:

  -v
`
%%
var x = 1
""",
    "rust": """
pub fn merge<T>(a: T) -> T
where
    T: Ord,
{
    a
}
""",
    "bash": """
usage() {
    cat <<EOF
Usage:

help
EOF
    exit 1
}
%%
case "$1" in
-n)
    DRY=1
    ;;
esac
""",
    "make": """
define banner
@echo a
endef
%%
ifeq (a,b)
X = 1
else
X = 2
endif
""",
    "dockerfile": """
RUN <<EOF
apk add git
EOF
%%
USER 1
""",
    "ruby": """
def query
  <<-TXT
one line
  TXT
end
""",
    "sql": """
CREATE FUNCTION purge() RETURNS void AS $$
BEGIN
    DELETE FROM a;

    DELETE FROM b;
END;
$$ LANGUAGE plpgsql;
%%
DELIMITER $$
%%
CREATE PROCEDURE shut()
BEGIN
  UPDATE a SET b = 1;
END$$
%%
DELIMITER ;
%%
SELECT 1; -- one
%%
SELECT 2;
""",
}
