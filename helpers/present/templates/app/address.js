// The token leaves the address bar as soon as the page is here: it may stand on a projector.
(() => {
  const address = new URL(location.href);
  if (address.searchParams.has("token") || address.searchParams.has("again")) {
    address.searchParams.delete("token");
    address.searchParams.delete("again");
    address.searchParams.set("as", "{{ mark }}");
    history.replaceState(null, "", address);
  }
})();
