// Loaded into NNI's server before its own code. NNI (3.0) listens on all interfaces without a password and keeps a list of
// experiments in the home directory, and has no option against either.
const net = require("node:net");
const os = require("node:os");
const { HARNESS_NNI_HOME: home, HARNESS_NNI_ADDRESS: address } = process.env;

os.homedir = () => home;
if (address) {
  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (port, ...rest) {
    return typeof port === "number" ? listen.call(this, port, address, ...rest) : listen.call(this, port, ...rest);
  };
}
