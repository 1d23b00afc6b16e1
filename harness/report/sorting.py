"""The script of the HTML report: its tables are sorted by the heading that a reader presses, within their sections.

Without a script the tables are as they were written. A heading is a button, so the keyboard reaches it, and says its order
as aria-sort; pressed a third time it gives back the first order. What is no number comes last in a column of numbers.
"""

SCRIPT = """
(() => {
  const value = (row, index, text) => {
    const words = row.cells[index].textContent.trim();
    return text ? words.toLowerCase() : parseFloat(words.replaceAll(",", ""));
  };
  const compare = (a, b, sign) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  };
  const next = {none: "ascending", ascending: "descending", descending: "none"};
  document.querySelectorAll("table").forEach(table => {
    const heads = [...table.tHead.rows[0].cells];
    const bodies = [...table.tBodies].map(body => [body, [...body.rows].filter(row => row.className !== "part")]);
    heads.forEach((head, index) => {
      const button = document.createElement("button");
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      const text = head.classList.contains("text");
      button.addEventListener("click", () => {
        const order = next[head.getAttribute("aria-sort")];
        heads.forEach(other => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        bodies.forEach(([body, rows]) => {
          const sorted = order === "none" ? rows
            : [...rows].sort((a, b) => compare(value(a, index, text), value(b, index, text), sign));
          body.append(...sorted);
        });
      });
    });
  });
})();
"""
