(function () {
  "use strict";
  // The picture is already there as SVG. It turns interactive when somebody points at it, so nothing flickers on load.
  document.querySelectorAll("figure[data-chart]").forEach(function (figure) {
    var drawing = figure.querySelector(".drawing");
    var started = false;
    function draw() {
      if (started || !window.vegaEmbed) { return; }
      started = true;
      var spec = JSON.parse(document.getElementById(figure.getAttribute("data-chart")).textContent);
      var place = document.createElement("div");
      place.style.cssText = "position:absolute;visibility:hidden";
      figure.appendChild(place);
      var options = { renderer: "svg", actions: false, mode: "vega-lite", tooltip: { theme: "custom" } };
      window.vegaEmbed(place, spec, options).then(function () {
        var svg = place.querySelector("svg");
        var label = drawing.querySelector("svg").getAttribute("aria-label");
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", label);
        place.style.cssText = "";
        drawing.replaceChildren(place);
        figure.setAttribute("data-drawn", "true");
      }).catch(function () { place.remove(); });
    }
    ["pointerenter", "focusin", "touchstart"].forEach(function (event) {
      figure.addEventListener(event, draw, { once: true, passive: true });
    });
  });
})();
