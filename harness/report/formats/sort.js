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
