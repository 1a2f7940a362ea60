provisioner "soc" {
  aliasmapper "soc"
}
