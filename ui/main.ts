document.body.append("Customer purchase permissions");
