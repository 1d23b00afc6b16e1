(() => {
  const tip = document.createElement("div");
  tip.setAttribute("role", "status");
  tip.style.cssText = "position:fixed;z-index:9;pointer-events:none;padding:3px 8px;border-radius:4px;font-size:13px;" +
    "max-width:90vw;background:CanvasText;color:Canvas;display:none";
  document.body.append(tip);
  const NEAR = 14, glow = "drop-shadow(0 0 1px CanvasText) ";
  const middle = point => {
    const box = point.getBoundingClientRect();
    return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  };
  document.querySelectorAll("figure svg").forEach(svg => {
    const points = [...svg.querySelectorAll("use, path")].filter(point => point.querySelector("title"));
    if (!points.length) return;
    const words = new Map();
    points.forEach((point, index) => {
      const title = point.querySelector("title");
      words.set(point, title.textContent);
      point.setAttribute("aria-label", title.textContent);
      point.setAttribute("role", "img");
      point.setAttribute("tabindex", index ? "-1" : "0");
      point.style.outline = "none";
      title.remove();
    });
    const name = point => words.get(point).split(": ")[0];
    let marked = [];
    const hide = () => {
      marked.forEach(point => { point.style.filter = ""; });
      marked = [];
      tip.style.display = "none";
    };
    const show = point => {
      hide();
      marked = points.filter(other => name(other) === name(point));
      marked.forEach(other => {
        other.style.filter = glow.repeat(other === point ? 3 : 1);
      });
      tip.textContent = words.get(point);
      tip.style.display = "block";
      const [x, y] = middle(point);
      const most = document.documentElement.clientWidth - tip.offsetWidth - 4;
      tip.style.left = Math.max(4, Math.min(x + 10, most)) + "px";
      tip.style.top = (y > 40 ? y - tip.offsetHeight - 8 : y + 12) + "px";
    };
    svg.addEventListener("pointermove", event => {
      const inside = points.find(point => point === event.target);
      const far = point => Math.hypot(...middle(point).map((at, i) => at - [event.clientX, event.clientY][i]));
      const near = inside || points.reduce((best, point) => far(point) < far(best) ? point : best);
      if (inside || far(near) < NEAR) show(near); else hide();
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("focusout", hide);
    svg.addEventListener("focusin", event => { if (words.has(event.target)) show(event.target); });
    svg.addEventListener("keydown", event => {
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      const at = points.indexOf(event.target);
      if (event.key === "Escape") hide();
      if (!step || at < 0) return;
      event.preventDefault();
      points[at].setAttribute("tabindex", "-1");
      const next = points[(at + step + points.length) % points.length];
      next.setAttribute("tabindex", "0");
      next.focus();
      show(next);
    });
  });
})();
